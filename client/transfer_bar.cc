#include "client/transfer_bar.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/format.h"
#include "client/style.h"
#include "client/text.h"

namespace tune::client {
namespace {

constexpr int kNameCells = 28;
constexpr int kBarCells = 20;
constexpr absl::Duration kRedraw = absl::Milliseconds(100);

std::string Head(const std::string& file, int64_t total) {
  return absl::StrCat(PadRight(Shorten(file, kNameCells), kNameCells), " ",
                      PadLeft(HumanBytes(total), 9));
}

}  // namespace

TransferProgress TransferBar::For(const std::string& file) {
  file_ = file;
  first_done_ = -1;
  started_ = context_.clock().Monotonic();
  if (!context_.shows_progress()) return nullptr;
  return [this](int64_t done, int64_t total) { Show(done, total); };
}

void TransferBar::Show(int64_t done, int64_t total) {
  const absl::Duration now = context_.clock().Monotonic();
  const bool first = first_done_ < 0;
  if (first) first_done_ = done;
  if (!first && done < total && now - drawn_ < kRedraw) return;
  drawn_ = now;
  total_ = total;
  const double fraction = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1;
  const double seconds = absl::ToDoubleSeconds(now - started_);
  const double rate = seconds > 0 ? static_cast<double>(done - first_done_) / seconds : 0;
  region_.Draw({absl::StrFormat("%s %s %3.0f%%  %s/s", Head(file_, total),
                                Style(context_.err_screen()).Bar(fraction, kBarCells),
                                100 * fraction, HumanBytes(static_cast<int64_t>(rate)))});
}

void TransferBar::Done(const std::string& note) {
  if (!context_.shows_progress()) return;
  region_.Draw({absl::StrCat(Head(file_, total_), "  ", note)});
  region_.Keep();
}

}  // namespace tune::client
