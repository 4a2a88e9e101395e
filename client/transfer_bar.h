// The progress of one file after another on stderr, where that is a terminal.
#pragma once

#include <string>

#include "client/context.h"
#include "client/live_region.h"
#include "proto/wire/blobs.h"

namespace tune::client {

class TransferBar {
 public:
  explicit TransferBar(Context& context) : context_(context), region_(context.err()) {}

  // For one file's transfer; the bar must outlive it.
  //   model.safetensors  4.6GiB ━━━━━━━━━━━╸────────  57%  112.0MiB/s
  TransferProgress For(const std::string& file);
  // The file's line stays, with `note` in place of the bar.
  void Done(const std::string& note);

 private:
  void Show(int64_t done, int64_t total);

  Context& context_;
  LiveRegion region_;
  std::string file_;
  int64_t total_ = 0;
  int64_t first_done_ = -1;  // where this transfer took up
  absl::Duration started_;
  absl::Duration drawn_;
};

}  // namespace tune::client
