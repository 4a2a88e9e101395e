# LibTorch from the unpacked torch wheel, as an imported target of our own: the
# wheel's CMake package asks for a CUDA toolkit even where only the CPU is used.
#
# torch/include also carries old google/protobuf and fmt headers that would
# shadow the system's. Only ATen, c10 and torch are shown, through links.
set(TUNE_TORCH_DIR ${TUNE_DEPS_DIR}/torch)
set(TUNE_CUDART_DIR ${TUNE_DEPS_DIR}/nvidia/cu13/lib)
if(NOT EXISTS ${TUNE_TORCH_DIR}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "No LibTorch in ${TUNE_TORCH_DIR}. Run deploy/install-deps.sh first, "
                      "or configure with -DTUNE_BUILD_TRAINER=OFF.")
endif()

set(view ${CMAKE_BINARY_DIR}/include/torch_view)
file(MAKE_DIRECTORY ${view})
foreach(folder ATen c10 torch caffe2)
  file(CREATE_LINK ${TUNE_TORCH_DIR}/include/${folder} ${view}/${folder} SYMBOLIC)
endforeach()

add_library(tune::torch INTERFACE IMPORTED)
target_include_directories(tune::torch SYSTEM INTERFACE
                           ${view} ${view}/torch/csrc/api/include)
target_compile_definitions(tune::torch INTERFACE USE_C10D_GLOO)
target_link_libraries(tune::torch INTERFACE
                      ${TUNE_TORCH_DIR}/lib/libtorch_cpu.so ${TUNE_TORCH_DIR}/lib/libc10.so)
target_link_options(tune::torch INTERFACE
                    -Wl,-rpath,${TUNE_TORCH_DIR}/lib -Wl,-rpath,${TUNE_CUDART_DIR}
                    -Wl,-rpath-link,${TUNE_TORCH_DIR}/lib -Wl,-rpath-link,${TUNE_CUDART_DIR})
