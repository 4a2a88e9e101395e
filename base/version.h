#pragma once

namespace tune {

// The program version, as in CMakeLists.txt ("0.1.0").
const char* Version();

}  // namespace tune
