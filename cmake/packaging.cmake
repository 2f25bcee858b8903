# `cmake --install BUILD --prefix DIR` and `cpack -G DEB` in the build directory.
if(NOT TARGET pratique)
  return()
endif()
install(DIRECTORY ${CMAKE_BINARY_DIR}/share/man ${CMAKE_BINARY_DIR}/share/bash-completion ${CMAKE_BINARY_DIR}/share/zsh
                  ${CMAKE_BINARY_DIR}/share/fish DESTINATION share)
install(DIRECTORY packaging/systemd/examples/ DESTINATION share/doc/pratique/examples/systemd)
install(FILES packaging/nginx/pratique.conf DESTINATION share/doc/pratique/examples/nginx)
install(CODE "set(PRATIQUE_SOURCE \"${CMAKE_SOURCE_DIR}\")\nset(PRATIQUE_BINARY \"${CMAKE_BINARY_DIR}\")")
install(SCRIPT cmake/install.cmake)

set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON)  # the install script must see the prefix the package has, not where it is collected
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "Maintainers of pratique <maintainers@pratique.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "gate for container images entering trusted research environments")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"A registry that the ordinary clients push container images to. Each image is
inspected while it arrives and decided about by a written policy; what was
admitted can be pulled and run without a network, and nothing else can.
.
The package holds the server, its systemd service, and the command line for
researchers, reviewers and operators.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "crun, e2fsprogs")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "nginx")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${CMAKE_SOURCE_DIR}/packaging/debian/conffiles ${CMAKE_SOURCE_DIR}/packaging/debian/postinst
    ${CMAKE_SOURCE_DIR}/packaging/debian/prerm ${CMAKE_SOURCE_DIR}/packaging/debian/postrm)
include(CPack)
