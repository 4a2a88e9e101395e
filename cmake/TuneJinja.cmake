# llama.cpp's Jinja engine, from the sources that deploy/install-deps.sh unpacked. Of llama.cpp it
# needs its JSON and UTF-8 files, and of ggml one macro.
set(TUNE_JINJA_DIR ${TUNE_DEPS_DIR}/llama.cpp/common)
if(NOT EXISTS ${TUNE_JINJA_DIR}/jinja/runtime.h)
  message(FATAL_ERROR "No Jinja engine in ${TUNE_JINJA_DIR}. Run deploy/install-deps.sh first.")
endif()

set(view ${CMAKE_BINARY_DIR}/include/jinja_view)
file(CONFIGURE OUTPUT ${view}/ggml.h
     CONTENT "#include <cassert>\n#define GGML_ASSERT(x) assert(x)\n")

# What the engine renders otherwise than Jinja2, and so transformers, would be learned, and no server
# could ask that way. `file` is one of the engine's; its mended copy lies in the view.
function(replace_in file from to)
  string(FIND "${${file}}" "${from}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "jinja/${file}.cpp has no ${from}: mend cmake/TuneJinja.cmake")
  endif()
  string(REPLACE "${from}" "${to}" mended "${${file}}")
  set(${file} "${mended}" PARENT_SCOPE)
endfunction()
file(READ ${TUNE_JINJA_DIR}/jinja/runtime.cpp runtime)
file(READ ${TUNE_JINJA_DIR}/jinja/value.cpp value)
# The engine takes the members of what is not defined for empty; Jinja2 refuses them.
replace_in(runtime
  [[JJ_DEBUG("%s", "Accessing property on undefined object, returning undefined");]]
  [[throw std::runtime_error("a member of what is not defined is asked for");]])
# + is of two texts, and nothing is added to what is not defined or to none; ~ joins what both sides
# print as.
replace_in(runtime [[if (op.value == "+" || op.value == "~")]] [[if (false)]])
replace_in(runtime [[(is_val<value_string>(left_val) || is_val<value_string>(right_val)) &&
            (op.value == "~" || op.value == "+")]]
  [[is_val<value_string>(left_val) && is_val<value_string>(right_val) && op.value == "+"]])
replace_in(runtime [[    // Handle undefined and null values
]] [[    if (op.value == "~") {
        auto text = [](const value & v) { return v->is_undefined() ? string() : v->as_string(); };
        auto res = mk_val<value_string>();
        res->val_str = text(left_val).append(text(right_val));
        return res;
    }

    // Handle undefined and null values
]])
# The sandbox of transformers has no template change a list.
foreach(name append pop)
  replace_in(value "{\"${name}\", [](const func_args & args) -> value {"
    "{\"${name}\", [](const func_args & args) -> value {
            throw raised_exception(\"${name}: a template may not change a list\");")
endforeach()
file(CONFIGURE OUTPUT ${view}/runtime.cpp CONTENT "${runtime}" @ONLY)
file(CONFIGURE OUTPUT ${view}/value.cpp CONTENT "${value}" @ONLY)

add_library(tune_jinja STATIC
  ${TUNE_JINJA_DIR}/jinja/lexer.cpp ${TUNE_JINJA_DIR}/jinja/parser.cpp
  ${view}/runtime.cpp ${TUNE_JINJA_DIR}/jinja/string.cpp
  ${view}/value.cpp ${TUNE_JINJA_DIR}/json.cpp ${TUNE_JINJA_DIR}/unicode.cpp)
target_include_directories(tune_jinja PRIVATE ${view})
target_include_directories(tune_jinja SYSTEM PUBLIC ${TUNE_JINJA_DIR})
target_link_libraries(tune_jinja PRIVATE nlohmann_json::nlohmann_json)
# Not -I: it has a string.h of its own.
target_compile_options(tune_jinja PRIVATE -w -iquote ${TUNE_JINJA_DIR}/jinja)
