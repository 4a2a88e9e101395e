# tune_library(NAME FOLDER dir SOURCES ... [LINKS ...] [PRIVATE_LINKS ...])
#
# One library per folder. Headers are included by their path from the root
# ("run/spec.h"), but a library sees only its own folder and those of the
# libraries it links: each folder is shown through a directory of its own that
# holds just that folder, so an include against the arrows does not compile.
function(tune_include_view target folder)
  set(view ${CMAKE_BINARY_DIR}/include/${target})
  get_filename_component(parent ${view}/${folder} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${folder} ${view}/${folder} SYMBOLIC)
  target_include_directories(${target} PUBLIC ${view})
endfunction()

function(tune_library name)
  cmake_parse_arguments(ARG "" "FOLDER" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  tune_include_view(${name} ${ARG_FOLDER})
  target_link_libraries(${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
endfunction()

# The names of the test suites in some sources.
function(tune_test_suites out)
  set(suites)
  foreach(source ${ARGN})
    file(STRINGS ${source} heads REGEX "^TEST(_F|_P)?\\(")
    foreach(head ${heads})
      string(REGEX REPLACE "^[A-Z_]+\\((.*),.*" "\\1" suite "${head}")
      list(APPEND suites ${suite})
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES suites)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARGN})
  set(${out} ${suites} PARENT_SCOPE)
endfunction()

# tune_test(NAME LABEL unit SOURCES ... LINKS ... [BY_SUITE]): one GoogleTest program, linked with
# tests/support,
# its cases listed one by one in ctest under "LABEL." and labelled LABEL. BY_SUITE lists
# and runs them a suite at a time: for a program that takes long to start.
function(tune_test name)
  cmake_parse_arguments(ARG "BY_SUITE" "LABEL;TIMEOUT" "SOURCES;LINKS;ENVIRONMENT" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} tune_test_support GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  set(properties LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
  if(ARG_ENVIRONMENT)
    list(APPEND properties ENVIRONMENT ${ARG_ENVIRONMENT})
  endif()
  if(NOT ARG_BY_SUITE)
    gtest_discover_tests(${name} TEST_PREFIX "${ARG_LABEL}." DISCOVERY_MODE PRE_TEST
                         NO_PRETTY_VALUES PROPERTIES ${properties})
    return()
  endif()
  tune_test_suites(suites ${ARG_SOURCES})
  foreach(suite ${suites})
    add_test(NAME ${ARG_LABEL}.${suite}
             COMMAND ${name} "--gtest_filter=${suite}.*:*/${suite}.*")
    set_tests_properties(${ARG_LABEL}.${suite} PROPERTIES ${properties})
  endforeach()
endfunction()
