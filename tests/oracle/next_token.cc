// What the sampler draws from, for trainer_oracle.py: next_token < questions.
// A question is a line of JSON: {"logits":[…],"history":[…],"temperature":1,"top_k":0,
// "top_p":1,"repetition_penalty":1}. Its answer is a line [[id,probability],…], most
// probable first.
#include <iostream>
#include <string>

#include "base/json.h"
#include "worker/trainer/infer/sampler.h"

namespace {

using tune::Json;

Json Answer(const Json& question) {
  const tune::trainer::SamplingOptions options{
      .temperature = question["temperature"],
      .top_k = question["top_k"],
      .top_p = question["top_p"],
      .repetition_penalty = question["repetition_penalty"]};
  Json answer = Json::array();
  for (const auto& candidate :
       tune::trainer::Distribution(question["logits"], question["history"], options)) {
    answer.push_back({candidate.id, candidate.probability});
  }
  return answer;
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    const auto question = tune::ParseJson(line);
    if (!question.ok()) {
      std::cerr << question.status().message() << "\n";
      return 1;
    }
    std::cout << Answer(*question).dump() << "\n";
  }
  return 0;
}
