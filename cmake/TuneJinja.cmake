# llama.cpp's Jinja engine, from the sources that deploy/install-deps.sh unpacked. Of llama.cpp it
# needs its JSON and UTF-8 files, and of ggml one macro.
set(TUNE_JINJA_DIR ${TUNE_DEPS_DIR}/llama.cpp/common)
if(NOT EXISTS ${TUNE_JINJA_DIR}/jinja/runtime.h)
  message(FATAL_ERROR "No Jinja engine in ${TUNE_JINJA_DIR}. Run deploy/install-deps.sh first.")
endif()

set(view ${CMAKE_BINARY_DIR}/include/jinja_view)
file(CONFIGURE OUTPUT ${view}/ggml.h
     CONTENT "#include <cassert>\n#define GGML_ASSERT(x) assert(x)\n")

add_library(tune_jinja STATIC
  ${TUNE_JINJA_DIR}/jinja/lexer.cpp ${TUNE_JINJA_DIR}/jinja/parser.cpp
  ${TUNE_JINJA_DIR}/jinja/runtime.cpp ${TUNE_JINJA_DIR}/jinja/string.cpp
  ${TUNE_JINJA_DIR}/jinja/value.cpp ${TUNE_JINJA_DIR}/json.cpp ${TUNE_JINJA_DIR}/unicode.cpp)
target_include_directories(tune_jinja PRIVATE ${view})
target_include_directories(tune_jinja SYSTEM PUBLIC ${TUNE_JINJA_DIR})
target_link_libraries(tune_jinja PRIVATE nlohmann_json::nlohmann_json)
target_compile_options(tune_jinja PRIVATE -w)
