// Self-signed certificates for localhost and 127.0.0.1, made for one test.
#pragma once

#include <string>

namespace tune::testing {

struct Certificate {
  std::string cert_pem;
  std::string key_pem;
};

Certificate MakeCertificate();

// Writes content to a file in a fresh folder and returns its path; gone with the program.
std::string WriteTemporary(const std::string& name, const std::string& content);

}  // namespace tune::testing
