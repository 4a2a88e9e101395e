#include "server/engine/page.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/field_errors.h"
#include "base/status.h"

namespace tune::server {
namespace {

constexpr int64_t kDefaultSize = 50;
constexpr int64_t kMaxSize = 1000;
constexpr absl::string_view kPrefix = "after:";

absl::Status BadPage(const std::string& field, const std::string& message) {
  FieldErrors errors;
  errors.Add(field, message);
  return errors.ToStatus("page");
}

absl::Status BadToken() {
  return BadPage("page_token", "is not one that a list gave; leave it out for the first page");
}

}  // namespace

absl::StatusOr<int64_t> PageSize(const PageRequest& request) {
  if (request.size < 0) {
    return BadPage("page_size", absl::StrCat("must be at least 0, got ", request.size));
  }
  return request.size == 0 ? kDefaultSize : std::min(request.size, kMaxSize);
}

std::string EncodePageToken(const std::string& last) {
  return absl::WebSafeBase64Escape(absl::StrCat(kPrefix, last));
}

absl::StatusOr<std::string> DecodePageToken(const std::string& token) {
  if (token.empty()) return "";
  std::string text;
  if (!absl::WebSafeBase64Unescape(token, &text)) return BadToken();
  absl::string_view last = text;
  if (!absl::ConsumePrefix(&last, kPrefix) || last.empty()) return BadToken();
  return std::string(last);
}

absl::StatusOr<int64_t> DecodeOrderToken(const std::string& token) {
  ASSIGN_OR_RETURN(const std::string last, DecodePageToken(token));
  int64_t order = 0;
  if (!last.empty() && (!absl::SimpleAtoi(last, &order) || order <= 0)) return BadToken();
  return order;
}

}  // namespace tune::server
