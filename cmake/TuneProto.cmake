# gRPC and Protobuf of the distribution, and the generated contract.
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)

set(TUNE_GOOGLEAPIS_DIR ${TUNE_DEPS_DIR})
if(NOT EXISTS ${TUNE_GOOGLEAPIS_DIR}/google/rpc/error_details.proto)
  message(FATAL_ERROR "No googleapis protos in ${TUNE_GOOGLEAPIS_DIR}. Run deploy/install-deps.sh.")
endif()

# tune_proto_library(NAME ROOT dir PROTOS ... [GRPC ...] [LINKS ...]): generates C++ for
# PROTOS, and service code for those of them also named in GRPC.
function(tune_proto_library name)
  cmake_parse_arguments(ARG "" "ROOT" "PROTOS;GRPC;LINKS" ${ARGN})
  set(out ${CMAKE_BINARY_DIR}/generated/${name})
  file(MAKE_DIRECTORY ${out})
  set(generated)
  foreach(proto ${ARG_PROTOS})
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    set(files ${out}/${stem}.pb.cc ${out}/${stem}.pb.h)
    set(grpc_args)
    if(proto IN_LIST ARG_GRPC)
      list(APPEND files ${out}/${stem}.grpc.pb.cc ${out}/${stem}.grpc.pb.h)
      set(grpc_args --grpc_out=generate_mock_code=false:${out}
                    --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>)
    endif()
    add_custom_command(
      OUTPUT ${files}
      COMMAND protobuf::protoc -I${ARG_ROOT} -I${TUNE_GOOGLEAPIS_DIR} --cpp_out=${out}
              ${grpc_args} ${ARG_ROOT}/${proto}
      DEPENDS ${ARG_ROOT}/${proto}
      VERBATIM)
    list(APPEND generated ${files})
  endforeach()
  add_library(${name} STATIC ${generated})
  target_include_directories(${name} SYSTEM PUBLIC ${out})
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf gRPC::grpc++ ${ARG_LINKS})
  target_compile_options(${name} PRIVATE -w)
endfunction()
