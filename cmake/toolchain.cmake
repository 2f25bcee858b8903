# Compiler flags, sanitizers, ccache and linker. Nothing here knows a module.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                    -Wimplicit-fallthrough -Wnull-dereference -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these falsely through inlined std::string and std::variant.
  add_compile_options(-Wno-null-dereference -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow
                      -Wno-stringop-overread -Wno-array-bounds)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # Designated initialisers that leave later members at their defaults are the house form for options.
  add_compile_options(-Wthread-safety -Wno-missing-designated-field-initializers -Wno-missing-field-initializers)
else()
  add_compile_options(-Wno-missing-field-initializers)
endif()
# One setting for libraries and programs (CMake would give -fPIC to one and -fPIE to the other), so that they can share
# a precompiled header. Programs are still linked position-independent, the compilers' default here.
add_compile_options(-fPIC)
if(PRATIQUE_WERROR)
  add_compile_options(-Werror)
endif()

# Bounds checks of the standard library stay on in every build: the program parses hostile bytes.
add_compile_definitions(_GLIBCXX_ASSERTIONS _FILE_OFFSET_BITS=64)
if(PRATIQUE_SANITIZE)
  add_compile_options(-fsanitize=${PRATIQUE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${PRATIQUE_SANITIZE})
  add_compile_definitions(PRATIQUE_SANITIZED)
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
if(PRATIQUE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()

add_link_options(-Wl,-z,relro,-z,now)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  find_program(LLD_PROGRAM NAMES ld.lld-19 ld.lld)
  if(LLD_PROGRAM)
    add_link_options(--ld-path=${LLD_PROGRAM})
  endif()
else()
  find_program(MOLD_PROGRAM mold)
  if(MOLD_PROGRAM)
    add_link_options(-fuse-ld=mold)
  endif()
endif()
