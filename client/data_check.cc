#include "client/data_check.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/format.h"
#include "client/live_region.h"
#include "client/resource_names.h"
#include "client/style.h"
#include "tune/v1/jobs.grpc.pb.h"

namespace tune::client {
namespace {

constexpr int kBarCells = 20;
constexpr absl::Duration kLineInterval = absl::Seconds(10);

// Other columns than those that a dataset was pushed with may read more rows of it.
double Fraction(const v1::CheckJobDataResponse& news) {
  if (news.total_rows() == 0) return 0;
  return std::min(1.0, static_cast<double>(news.rows()) / static_cast<double>(news.total_rows()));
}

std::string RowsText(const v1::CheckJobDataResponse& news) {
  return absl::StrCat(WithCommas(news.rows()), " of ", WithCommas(news.total_rows()), " rows");
}

class DataCheckView {
 public:
  explicit DataCheckView(Context& context)
      : context_(context), region_(context.err()), told_(context.clock().Monotonic()) {}
  ~DataCheckView() { region_.Draw({}); }

  void Show(const v1::CheckJobDataResponse& news) {
    context_.shows_progress() ? Draw(news) : Tell(news);
  }

 private:
  // checking chip2 ━━━━━━━━━━━╸────────  57%  119,864 of 210,289 rows
  void Draw(const v1::CheckJobDataResponse& news) {
    if (news.dataset().empty()) return region_.Draw({"checking the data: waits for its turn"});
    region_.Draw({absl::StrFormat("checking %s %s %3.0f%%  %s", ShortName(news.dataset()),
                                  Style(context_.err_screen()).Bar(Fraction(news), kBarCells),
                                  100 * Fraction(news), RowsText(news))});
  }

  void Tell(const v1::CheckJobDataResponse& news) {
    const absl::Duration now = context_.clock().Monotonic();
    if (news.dataset().empty() || now - told_ < kLineInterval) return;
    told_ = now;
    context_.Note(absl::StrFormat("checking %s: %.0f%%, %s", ShortName(news.dataset()),
                                  100 * Fraction(news), RowsText(news)));
  }

  Context& context_;
  LiveRegion region_;
  absl::Duration told_;
};

}  // namespace

absl::Status AwaitDataCheck(Context& context, const v1::CheckJobDataRequest& request,
                            const std::function<bool()>& interrupted) {
  DataCheckView view(context);
  const std::function<bool(const v1::CheckJobDataResponse&)> on_news = [&](const auto& news) {
    view.Show(news);
    return !interrupted();
  };
  const absl::Status checked =
      context.Stream(&v1::JobService::Stub::CheckJobData, request, on_news);
  return absl::IsUnimplemented(checked) ? absl::OkStatus() : checked;
}

}  // namespace tune::client
