# Language level, warnings, sanitizers, and the tools that keep a rebuild short.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")

add_compile_options(-Wall -Wextra -Wno-unused-parameter)
if(TUNE_SANITIZE)
  add_compile_options(-fsanitize=${TUNE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TUNE_SANITIZE})
endif()

find_program(TUNE_CCACHE ccache)
if(TUNE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # PCH needs sloppiness, or ccache passes every precompiled unit by.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${TUNE_CCACHE})
endif()
find_program(TUNE_MOLD mold)
if(TUNE_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
