// SHA-256, the name of every blob and the check on every transfer.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tune {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(absl::string_view bytes);
  // 64 lower-case hex digits of all bytes so far. Ends this object's use.
  std::string Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string Sha256Hex(absl::string_view bytes);

// Hash of a regular file's content; NOT_FOUND or the errno's code with the path.
absl::StatusOr<std::string> Sha256File(const std::string& path);

// True for 64 lower-case hex digits.
bool IsSha256Hex(absl::string_view text);

}  // namespace tune
