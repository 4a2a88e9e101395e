# llama.cpp's Jinja engine, from the sources that deploy/install-deps.sh unpacked. Of llama.cpp it
# needs its JSON and UTF-8 files, and of ggml one macro.
set(TUNE_JINJA_DIR ${TUNE_DEPS_DIR}/llama.cpp/common)
if(NOT EXISTS ${TUNE_JINJA_DIR}/jinja/runtime.h)
  message(FATAL_ERROR "No Jinja engine in ${TUNE_JINJA_DIR}. Run deploy/install-deps.sh first.")
endif()

set(view ${CMAKE_BINARY_DIR}/include/jinja_view)
file(CONFIGURE OUTPUT ${view}/ggml.h
     CONTENT "#include <cassert>\n#define GGML_ASSERT(x) assert(x)\n")

# The engine takes the members of what is not defined, and what is added to it or to none, for
# empty; Jinja2, and so transformers, refuses them. A row that only this engine renders would be
# learned, and no server could ask that way.
function(replace_in_runtime from to)
  string(FIND "${runtime}" "${from}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "jinja/runtime.cpp has no ${from}: mend cmake/TuneJinja.cmake")
  endif()
  string(REPLACE "${from}" "${to}" runtime "${runtime}")
  set(runtime "${runtime}" PARENT_SCOPE)
endfunction()
file(READ ${TUNE_JINJA_DIR}/jinja/runtime.cpp runtime)
replace_in_runtime(
  [[JJ_DEBUG("%s", "Accessing property on undefined object, returning undefined");]]
  [[throw std::runtime_error("a member of what is not defined is asked for");]])
replace_in_runtime([[if (op.value == "+" || op.value == "~")]] [[if (op.value == "~")]])
file(CONFIGURE OUTPUT ${view}/runtime.cpp CONTENT "${runtime}" @ONLY)

add_library(tune_jinja STATIC
  ${TUNE_JINJA_DIR}/jinja/lexer.cpp ${TUNE_JINJA_DIR}/jinja/parser.cpp
  ${view}/runtime.cpp ${TUNE_JINJA_DIR}/jinja/string.cpp
  ${TUNE_JINJA_DIR}/jinja/value.cpp ${TUNE_JINJA_DIR}/json.cpp ${TUNE_JINJA_DIR}/unicode.cpp)
target_include_directories(tune_jinja PRIVATE ${view})
target_include_directories(tune_jinja SYSTEM PUBLIC ${TUNE_JINJA_DIR})
target_link_libraries(tune_jinja PRIVATE nlohmann_json::nlohmann_json)
# Not -I: it has a string.h of its own.
target_compile_options(tune_jinja PRIVATE -w -iquote ${TUNE_JINJA_DIR}/jinja)
