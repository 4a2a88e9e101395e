#include "tests/unit/server/engine/engine_fixture.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/version.h"
#include "recipe/model/model_family.h"
#include "recipe/model/model_files.h"
#include "recipe/model/model_init.h"
#include "tests/support/byte_tokenizer.h"

namespace tune::server {
namespace {

constexpr char kConfig[] = R"({
  "model_type": "phi", "vocab_size": 258, "hidden_size": 8, "intermediate_size": 16,
  "num_hidden_layers": 1, "num_attention_heads": 2, "bos_token_id": 256, "eos_token_id": 256,
  "max_position_embeddings": 512})";

}  // namespace

std::vector<std::string> AllSpecFields() {
  std::vector<std::string> paths;
  for (const SpecField& field : SpecFields()) paths.push_back(field.path);
  return paths;
}

EngineTest::EngineTest() { Reopen(); }

void EngineTest::Reopen(const LeaseOptions& options) {
  engine_.reset();
  auto engine = Engine::Open(folder_ / "data", clock_, observer_, options);
  EXPECT_TRUE(engine.ok()) << engine.status();
  if (!engine.ok()) abort();
  engine_ = *std::move(engine);
}

FileEntry EngineTest::Upload(const std::string& path, const std::string& content) {
  const FileEntry file{path, static_cast<int64_t>(content.size()), Sha256Hex(content)};
  auto upload = engine().blobs().BeginUpload(file.sha256, file.size_bytes, 0);
  EXPECT_TRUE(upload.ok()) << upload.status();
  EXPECT_TRUE((*upload)->Append(content, absl::HexStringToBytes(file.sha256)).ok());
  EXPECT_TRUE((*upload)->Finish().ok());
  return file;
}

std::vector<FileEntry> EngineTest::ModelFileEntries() {
  const std::string model = folder_ / "model";
  const std::string tokenizer = folder_ / "tokenizer.json";
  if (!Exists(model)) {
    EXPECT_TRUE(WriteFileDurably(tokenizer, ByteTokenizerJson()).ok());
    const absl::Status made =
        InitModelFolder(model, *ModelConfigFromJson(*ParseJson(kConfig)), tokenizer, 0);
    EXPECT_TRUE(made.ok()) << made;
  }
  std::vector<FileEntry> files;
  const std::vector<std::string> names = *ModelFiles(model);
  for (const std::string& name : names) {
    files.push_back(Upload(name, *ReadFile(JoinPath(model, name))));
  }
  return files;
}

void EngineTest::PushInputs() {
  if (engine().registry().GetModel("m").ok()) return;
  const auto model = engine().registry().CreateModel("m", ModelFileEntries());
  EXPECT_TRUE(model.ok()) << model.status();
  const auto dataset = engine().registry().CreateDataset(
      "d", Upload("d.jsonl", "{\"prompt\": \"1 + 1\", \"response\": \"2\"}\n"));
  EXPECT_TRUE(dataset.ok()) << dataset.status();
}

NewJob EngineTest::Request(const std::string& id) {
  NewJob request;
  request.job_id = id;
  request.spec.model = "models/m";
  request.spec.datasets = {{"datasets/d", 1}};
  request.spec.max_length = 64;
  return request;
}

Job EngineTest::Submit(const NewJob& request) {
  const auto job = engine().submit().CreateJob(request);
  EXPECT_TRUE(job.ok()) << job.status();
  return job.value_or(Job());
}

Job EngineTest::SubmitJob(const std::string& id, int64_t retries) {
  PushInputs();
  NewJob request = Request(id);
  request.spec.retries = retries;
  return Submit(request);
}

absl::Status EngineTest::Register(const std::string& worker_id, const std::string& incarnation,
                                  int gpus) {
  WorkerRecord worker;
  worker.id = worker_id;
  worker.incarnation = incarnation;
  worker.version = worker.trainer_version = Version();
  worker.spec_fields = AllSpecFields();
  worker.resources.cpus = 2;
  worker.resources.host_memory_bytes = int64_t{8} << 30;
  worker.resources.gpus.resize(gpus);
  return engine().leases().RegisterWorker({worker, {}}).status();
}

std::optional<Lease> EngineTest::Acquire(const std::string& worker_id,
                                         const std::string& request_id,
                                         const std::string& incarnation) {
  const auto lease = engine().scheduler().AcquireLease(
      worker_id, incarnation,
      request_id.empty() ? absl::StrCat("request-", ++requests_) : request_id);
  EXPECT_TRUE(lease.ok()) << lease.status();
  return lease.ok() ? *lease : std::nullopt;
}

Lease EngineTest::LeaseFirst() {
  EXPECT_TRUE(Register("w").ok());
  const auto lease = Acquire("w");
  EXPECT_TRUE(lease.has_value());
  return lease.value_or(Lease());
}

std::vector<LeaseKey> EngineTest::Heartbeat(const std::string& worker_id,
                                            const std::vector<LeaseKey>& held,
                                            const std::string& incarnation) {
  const auto ended = engine().leases().Heartbeat(worker_id, incarnation, held, {7, ""});
  EXPECT_TRUE(ended.ok()) << ended.status();
  return ended.value_or(std::vector<LeaseKey>());
}

void EngineTest::PassTime(absl::Duration duration) {
  for (absl::Duration passed; passed < duration; passed += absl::Seconds(1)) {
    clock_.Advance(absl::Seconds(1));
    EXPECT_TRUE(engine().leases().ExpireDue().ok());
  }
}

TrainingReport EngineTest::Started(int64_t total_steps, int64_t resumed_step) {
  TrainingReport report;
  report.kind = TrainingReport::Kind::kStarted;
  report.total_steps = total_steps;
  report.resumed_step = resumed_step;
  report.payload = "started";
  return report;
}

TrainingReport EngineTest::Step(int64_t step) {
  TrainingReport report;
  report.kind = TrainingReport::Kind::kStep;
  report.step = step;
  report.total_steps = 10;
  report.loss = 2;
  report.tokens = 100;
  report.seconds = 1;
  report.payload = absl::StrCat("step ", step);
  return report;
}

absl::StatusOr<Checkpoint> EngineTest::Commit(const LeaseKey& key, int64_t step, bool final,
                                              const std::string& content) {
  CheckpointDraft draft;
  draft.step = step;
  draft.loss = 1.5;
  draft.final = final;
  draft.files = {Upload("model.safetensors", absl::StrCat(content, "weights ", step)),
                 Upload("config.json", "{}")};
  return engine().reports().CommitCheckpoint(key, draft);
}

Job EngineTest::Get(const std::string& id) {
  const auto job = engine().queries().GetJob(id);
  EXPECT_TRUE(job.ok()) << job.status();
  return job.value_or(Job());
}

std::vector<JobEvent> EngineTest::Events(const std::string& id) {
  const auto events = engine().queries().ListEvents(id, 0, 1000);
  EXPECT_TRUE(events.ok()) << events.status();
  return events.value_or(std::vector<JobEvent>());
}

}  // namespace tune::server
