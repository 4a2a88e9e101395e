# Arrow and its Parquet from the unpacked pyarrow wheel, as an imported target of our own: the
# wheel has no CMake package.
set(TUNE_ARROW_DIR ${TUNE_DEPS_DIR}/pyarrow)
file(GLOB TUNE_ARROW_LIBRARIES ${TUNE_ARROW_DIR}/libarrow.so.* ${TUNE_ARROW_DIR}/libparquet.so.*)
if(NOT TUNE_ARROW_LIBRARIES)
  message(FATAL_ERROR "No Arrow in ${TUNE_ARROW_DIR}. Run deploy/install-deps.sh first, "
                      "or configure with -DTUNE_BUILD_ARROW=OFF.")
endif()

add_library(tune::arrow INTERFACE IMPORTED)
target_include_directories(tune::arrow SYSTEM INTERFACE ${TUNE_ARROW_DIR}/include)
target_link_libraries(tune::arrow INTERFACE ${TUNE_ARROW_LIBRARIES})
