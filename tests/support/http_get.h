// The HTTP client of a test.
#pragma once

#include <string>

namespace tune {

// The whole answer to a GET from 127.0.0.1, header and body, of a server on "HOST:PORT".
std::string HttpGet(const std::string& address, const std::string& path);

// What follows the header of an answer.
std::string HttpBody(const std::string& answer);

}  // namespace tune
