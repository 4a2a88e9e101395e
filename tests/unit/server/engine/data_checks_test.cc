// What a job would learn from its data is found before it is queued.
#include <gmock/gmock.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/field_errors.h"
#include "engine_fixture.h"

namespace tune::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// With the fixture's tokenizer a byte is a token, and "User: …\n\nAssistant:" 18 more than the
// prompt; a response has a space before it and an end token after it.
constexpr char kRows[] =
    "{\"prompt\": \"abcdefghij\", \"response\": \"klm\", \"id\": 7}\n"
    "{\"prompt\": \"a\", \"response\": \"b\"}\n";

class DataChecksTest : public EngineTest {
 protected:
  void Push(const std::string& id, const std::string& rows, const DatasetOptions& options = {}) {
    PushInputs();
    const auto dataset =
        engine().registry().CreateDataset(id, Upload(id + ".jsonl", rows), options);
    ASSERT_TRUE(dataset.ok()) << dataset.status();
  }
  NewJob RequestFor(const std::string& dataset, int64_t max_length, const std::string& policy) {
    NewJob request = Request("");
    request.spec.datasets = {{absl::StrCat("datasets/", dataset), 1}};
    request.spec.max_length = max_length;
    request.spec.max_length_policy = policy;
    return request;
  }
  std::vector<FieldError> ErrorsOf(const NewJob& request) {
    return FieldErrorsOf(engine().submit().CreateJob(request).status());
  }
};

TEST_F(DataChecksTest, AJobTellsWhatItWillLearn) {
  Push("rows", kRows);
  const Job job = Submit(RequestFor("rows", 30, "truncate"));
  ASSERT_THAT(job.data, SizeIs(1));
  const DataUse& use = job.data[0];
  EXPECT_EQ(use.dataset, "datasets/rows");
  EXPECT_EQ(use.rows, 2);
  EXPECT_EQ(use.used, 2);
  EXPECT_EQ(use.truncated, 1);
  EXPECT_EQ(use.tokens, 30 + 22);
  EXPECT_EQ(use.target_tokens, 2 + 3);
  EXPECT_THAT(job.warnings, Contains(HasSubstr("datasets/rows: 1 row cut to 30 tokens, id is not "
                                               "read (1 row)")));
  EXPECT_EQ(Get(job.id).data[0].target_tokens, 5);  // as it is stored
  EXPECT_EQ(Get(job.id).progress.total_steps, 2);   // one an epoch
}

TEST_F(DataChecksTest, RowsThatCannotFitAreNamed) {
  Push("rows", kRows);
  const auto errors = ErrorsOf(RequestFor("rows", 30, "error"));
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].field, "datasets[0].dataset");
  EXPECT_EQ(errors[0].message,
            "1 row has more than 30 tokens (rows.jsonl:1: 33 tokens); raise max_length, shorten "
            "them, or set max_length_policy to truncate or drop");
}

TEST_F(DataChecksTest, DataThatTeachesNothingIsRefused) {
  Push("rows", kRows);
  const auto errors = ErrorsOf(RequestFor("rows", 10, "truncate"));
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_THAT(errors[0].message,
              HasSubstr("no row is left to learn from: 2 rows with nothing in them to learn "
                        "(rows.jsonl:1: 33 tokens, rows.jsonl:2: 22 tokens)"));
}

TEST_F(DataChecksTest, DataThatIsAllLeftOutForItsLengthIsRefusedWithWhatToDo) {
  Push("rows", kRows);
  const auto errors = ErrorsOf(RequestFor("rows", 10, "drop"));
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].message,
            "no row is left to learn from: 2 rows have more than 10 tokens: raise max_length, "
            "shorten them, or set max_length_policy to truncate");
}

TEST_F(DataChecksTest, WhatIsEvaluatedOnIsLookedAtAsFarAsItIs) {
  const std::string fits = R"({"prompt": "a", "response": "b"})",
                    is_long = R"({"prompt": "abcdefghijklmnopqrstuvwxyz", "response": "b"})";
  Push("rows", kRows);
  Push("eval", absl::StrCat(fits, "\n", is_long, "\n"));
  NewJob request = RequestFor("rows", 40, "error");
  request.spec.eval = EvalSpec{};
  request.spec.eval->dataset = "datasets/eval";
  auto errors = ErrorsOf(request);
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].field, "eval.dataset");
  EXPECT_THAT(errors[0].message,
              HasSubstr("1 row has more than 40 tokens (eval.jsonl:2: 47 tokens)"));
  request.spec.eval->max_rows = 1;
  EXPECT_THAT(Submit(request).data, SizeIs(1));  // of what is learned
  Push("long", is_long);
  request.spec.eval->dataset = "datasets/long";
  request.spec.max_length_policy = "truncate";
  errors = ErrorsOf(request);
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_THAT(errors[0].message, HasSubstr("no row is left to evaluate on: 1 row"));
}

// Pushes a model with this chat template, whose end token is <|endoftext|>, and asks for it.
class ChatChecksTest : public DataChecksTest {
 protected:
  NewJob RequestWith(const std::string& jinja) {
    Push("rows", kRows);
    auto files = ModelFileEntries();
    files.push_back(Upload("chat_template.jinja", jinja));
    const auto model = engine().registry().CreateModel("chatty", std::move(files));
    EXPECT_TRUE(model.ok()) << model.status();
    NewJob request = RequestFor("rows", 64, "error");
    request.spec.model = "models/chatty";
    request.spec.prompt_template = "chat";
    return request;
  }
};

TEST_F(ChatChecksTest, RowsAreCountedAsTheModelsTemplateHasThem) {
  const Job job =
      Submit(RequestWith("{% for m in messages %}{{ m.content }}{% if m.role == 'assistant' %}"
                         "<|endoftext|>{% endif %}{% endfor %}"));
  EXPECT_EQ(job.data.at(0).tokens, 10 + 4 + 1 + 2);
  EXPECT_EQ(job.data.at(0).target_tokens, 4 + 2);
}

TEST_F(ChatChecksTest, AModelWithoutOneIsRefused) {
  Push("rows", kRows);
  NewJob request = RequestFor("rows", 64, "error");
  request.spec.prompt_template = "chat";
  const auto errors = ErrorsOf(request);
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].field, "template");
  EXPECT_THAT(errors[0].message, HasSubstr("the model has no chat template"));
}

TEST_F(ChatChecksTest, ARowThatItRefusesIsNamed) {
  const auto errors = ErrorsOf(RequestWith("{{ raise_exception('not you') }}"));
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].field, "datasets[0].dataset");
  EXPECT_EQ(errors[0].message,
            "rows.jsonl: 2 of 2 rows cannot be used: rows.jsonl:1: the chat template refuses it at "
            "line 1, column 19: not you (and 1 row more with the same); a dataset that is pushed "
            "with --max-bad-rows N leaves up to N such rows out");
}

// Takes questions of one letter, of which kRows has one.
constexpr char kChoosy[] =
    "{% for m in messages %}{% if m.role == 'user' and m.content|length > 1 %}"
    "{{ raise_exception('too much') }}{% endif %}{{ m.content }}{% if m.role == 'assistant' %}"
    "<|endoftext|>{% endif %}{% endfor %}";

TEST_F(ChatChecksTest, RowsThatItRefusesAreLeftOutAsTheDatasetAllows) {
  NewJob request = RequestWith(kChoosy);
  EXPECT_THAT(ErrorsOf(request), SizeIs(1));
  Push("lenient", kRows, {{}, 1});
  request.spec.datasets[0].dataset = "datasets/lenient";
  const Job job = Submit(request);
  EXPECT_EQ(job.data.at(0).rows, 1);
  EXPECT_EQ(job.data.at(0).used, 1);
  EXPECT_THAT(job.warnings, Contains(HasSubstr("1 row left out as malformed")));
}

TEST_F(DataChecksTest, TheSameQuestionIsAnsweredOnce) {
  const auto is_quick = [&](const NewJob& request) {
    return server::Submit::IsQuick(*engine().submit().MakePlan(request));
  };
  Push("rows", kRows);
  const NewJob request = RequestFor("rows", 64, "error");
  EXPECT_FALSE(is_quick(request));
  Submit(request);
  EXPECT_TRUE(is_quick(request));
  Reopen();
  EXPECT_TRUE(is_quick(request));
  NewJob other = request;
  other.spec.prompt_template = "plain";
  EXPECT_FALSE(is_quick(other));
}

// The prompts grow by "Do: ", or the sides change places; what an earlier job asked is not the
// answer to that.
TEST_F(DataChecksTest, RowsAreCountedAsTheyAreDrawn) {
  Push("rows", kRows);
  NewJob request = RequestFor("rows", 96, "error");
  EXPECT_EQ(Submit(request).data[0].tokens, 33 + 22);
  request.spec.templates = {"Do: {prompt}"};
  EXPECT_EQ(Submit(request).data[0].tokens, 33 + 22 + 2 * 4);
  request.spec.templates = {"{response}"};
  request.spec.datasets[0].invert = 1;
  const DataUse inverted = Submit(request).data[0];
  EXPECT_EQ(inverted.tokens, 33 + 22);
  EXPECT_EQ(inverted.target_tokens, 10 + 1 + 2 * 2);
}

TEST_F(DataChecksTest, ColumnsOfTheDatasetStandInTheJobsSpec) {
  const Columns columns = {{"prompt", "q"}, {"response", "a"}};
  Push("rows", "{\"q\": \"a\", \"a\": \"b\"}\n", {columns});
  const Job job = Submit(RequestFor("rows", 64, "error"));
  EXPECT_EQ(job.spec.datasets[0].columns, columns);
  EXPECT_EQ(job.data.at(0).used, 1);
  NewJob own = RequestFor("rows", 64, "error");
  own.spec.datasets[0].columns = {{"text", "a"}};
  EXPECT_EQ(Submit(own).data.at(0).tokens, 2);
}

absl::Status GoOn(const DataProgress&) { return absl::OkStatus(); }

TEST_F(DataChecksTest, ACheckTellsHowFarItIs) {
  Push("rows", kRows);
  const SubmitPlan plan = *engine().submit().MakePlan(RequestFor("rows", 64, "error"));
  std::vector<int64_t> rows;
  const auto on_progress = [&](const DataProgress& progress) {
    EXPECT_EQ(progress.dataset, "datasets/rows");
    EXPECT_EQ(progress.total_rows, 2);
    rows.push_back(progress.rows);
    return absl::OkStatus();
  };
  ASSERT_TRUE(engine().submit().CheckData(plan, on_progress).ok());
  EXPECT_THAT(rows, ElementsAre(1, 2));
  ASSERT_TRUE(engine().submit().CheckData(plan, on_progress).ok());
  EXPECT_THAT(rows, SizeIs(2));  // known
}

// Rows are read a first time where some are shown before others.
TEST_F(DataChecksTest, ACheckEndsWhenItIsTold) {
  Push("rows", kRows);
  NewJob request = RequestFor("rows", 96, "error");
  request.spec.templates = {"{examples 1}{prompt}{response}{/examples}{prompt}"};
  const SubmitPlan plan = *engine().submit().MakePlan(request);
  for (const int64_t at_row : {0, 1}) {
    const absl::Status status =
        engine().submit().CheckData(plan, [&](const DataProgress& progress) {
          return progress.rows == at_row ? absl::CancelledError("enough") : absl::OkStatus();
        });
    EXPECT_TRUE(absl::IsCancelled(status)) << status;
  }
  EXPECT_TRUE(engine().submit().CheckData(plan, GoOn).ok());
}

TEST_F(DataChecksTest, WhoAsksTheSameIsToldHowFarTheOtherIs) {
  Push("rows", kRows);
  const SubmitPlan plan = *engine().submit().MakePlan(RequestFor("rows", 64, "error"));
  absl::Notification first_row, told;
  std::jthread other([&] {
    EXPECT_TRUE(engine()
                    .submit()
                    .CheckData(plan,
                               [&](const DataProgress& progress) {
                                 if (progress.rows == 2) return absl::OkStatus();
                                 first_row.Notify();
                                 told.WaitForNotification();
                                 return absl::OkStatus();
                               })
                    .ok());
  });
  first_row.WaitForNotification();
  int64_t heard = 0;
  const auto on_progress = [&](const DataProgress& progress) {
    heard = progress.rows;
    if (!told.HasBeenNotified()) told.Notify();
    return absl::OkStatus();
  };
  EXPECT_TRUE(engine().submit().CheckData(plan, on_progress).ok());
  EXPECT_EQ(heard, 1);
}

TEST_F(DataChecksTest, WhatIsTooLargeIsLeftToTheWorker) {
  RunSpec spec;
  EXPECT_EQ(DataChecks::MaxFileBytes(spec), int64_t{4} << 30);
  spec.prompt_template = "chat";
  EXPECT_EQ(DataChecks::MaxFileBytes(spec), int64_t{512} << 20);
}

TEST_F(DataChecksTest, ADryRunIsToldTheSame) {
  Push("rows", kRows);
  NewJob request = RequestFor("rows", 30, "truncate");
  request.validate_only = true;
  EXPECT_THAT(Submit(request).data, SizeIs(1));
  EXPECT_THAT(engine().queries().ListJobs({}, {})->items, IsEmpty());
}

}  // namespace
}  // namespace tune::server
