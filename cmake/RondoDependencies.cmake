# Every outside library, found once. All are Debian 12 packages; scripts/install-dependencies names them.

find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Protobuf REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json system)
# Everywhere or nowhere: it changes what inline functions of Asio return.
add_compile_definitions(BOOST_ASIO_NO_DEPRECATED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(prometheus-cpp REQUIRED COMPONENTS core)
find_package(PkgConfig REQUIRED)
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
if(RONDO_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()

# Optional: spreads simulations over many processes. The C interface is enough.
if(RONDO_MPI)
  set(MPI_CXX_SKIP_MPICXX ON)
  find_package(MPI QUIET COMPONENTS CXX)
endif()

# LibTorch: Debian's 1.13, or any other up to 2.x named by CMAKE_PREFIX_PATH.
if(RONDO_TORCH)
  find_package(Torch REQUIRED)
  add_library(rondo_torch INTERFACE)
  target_include_directories(rondo_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
  target_link_libraries(rondo_torch INTERFACE ${TORCH_LIBRARIES})
  target_compile_options(rondo_torch INTERFACE -Wno-conversion -Wno-shadow)
endif()
