#include "client/commands/following.h"

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "client/event_lines.h"
#include "client/follow.h"
#include "client/job_view.h"
#include "client/live_region.h"
#include "client/printer.h"
#include "client/resource_names.h"
#include "client/text.h"

namespace tune::client {
namespace {

constexpr absl::Duration kLineInterval = absl::Seconds(1);
constexpr char kLost[] = "connection to the scheduler lost; the job goes on, reconnecting";
constexpr char kBack[] = "connected to the scheduler again";

// Says nothing but what becomes of the connection.
class SilentObserver : public JobObserver {
 public:
  explicit SilentObserver(Context& context) : context_(context) {}
  void OnUpdate(const v1::WatchJobResponse&) override {}
  void OnConnectionLost() override { context_.Note(kLost); }
  void OnConnectionBack() override { context_.Note(kBack); }

 private:
  Context& context_;
};

class LineObserver : public JobObserver {
 public:
  explicit LineObserver(Context& context) : context_(context) {}
  void OnUpdate(const v1::WatchJobResponse& update) override {
    if (context_.table()) {
      for (const std::string& line : lines_.Lines(update)) context_.out() << line << "\n";
    } else {
      for (const v1::JobEvent& event : update.events())
        PrintJsonLine(context_, MessageToJson(event));
    }
    context_.out().flush();
  }
  void OnConnectionLost() override { context_.Note(kLost); }
  void OnConnectionBack() override { context_.Note(kBack); }

 private:
  Context& context_;
  EventLines lines_{kLineInterval};
};

class LiveObserver : public JobObserver {
 public:
  explicit LiveObserver(Context& context) : context_(context), region_(context.out()) {}
  ~LiveObserver() override { region_.Keep(); }

  void OnUpdate(const v1::WatchJobResponse& update) override { view_.Apply(update); }
  void OnTick() override {
    if (view_.job().name().empty()) return;
    const int width = context_.out_screen().width;
    const Style style(context_.out_screen());
    std::vector<std::string> lines =
        view_.Lines(context_.clock().Now(), absl::LocalTimeZone(), width, style);
    if (lost_) lines.push_back(style.Yellow(Shorten(absl::StrCat(" ", kLost), width)));
    region_.Draw(lines);
  }
  void OnConnectionLost() override { lost_ = true; }
  void OnConnectionBack() override { lost_ = false; }

  // What the run's samples say, below the view.
  void PrintSamples() {
    const Style style(context_.out_screen());
    for (const auto& sample : view_.samples()) {
      context_.out() << "\n " << style.Bold("> " + SanitizeLine(sample.prompt())) << "\n";
      context_.out() << absl::StripAsciiWhitespace(Sanitize(sample.text())) << "\n";
    }
    if (!view_.samples().empty()) context_.out() << "\n";
  }

 private:
  Context& context_;
  LiveRegion region_;
  JobView view_;
  bool lost_ = false;
};

void NoteDetached(Context& context, const std::string& job) {
  const std::string name = ShortName(job);
  context.Note(absl::StrCat("\ndetached; job/", name, " goes on\n  tunectl watch ", name,
                            "      tunectl cancel ", name));
}

}  // namespace

absl::StatusOr<ExitCode> FollowToEnd(Context& context, const std::string& job, Follow how,
                                     Interrupt& interrupt) {
  const bool live = how == Follow::kVisibly && context.out_screen().is_terminal && context.table();
  auto live_observer = std::make_unique<LiveObserver>(context);
  std::unique_ptr<JobObserver> quiet_observer;
  if (how == Follow::kSilently) quiet_observer = std::make_unique<SilentObserver>(context);
  if (how == Follow::kVisibly && !live) quiet_observer = std::make_unique<LineObserver>(context);

  FollowOptions options{.job = job, .interrupted = [&] { return interrupt.Requested(); }};
  if (context.flags().timeout) options.limit = *context.flags().timeout;
  JobObserver& observer = live ? *live_observer : *quiet_observer;
  const absl::StatusOr<v1::Job> end = FollowJob(context, options, observer);
  if (absl::IsCancelled(end.status()) && interrupt.Requested()) {
    NoteDetached(context, job);
    return ExitCode::kInterrupted;
  }
  RETURN_IF_ERROR(end.status());
  if (live) live_observer->PrintSamples();
  if (!context.table() && how == Follow::kSilently) PrintJson(context, MessageToJson(*end));
  return ReportOutcome(context, *end);
}

}  // namespace tune::client
