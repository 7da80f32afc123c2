# find_package(@NAME@) defines the targets @NAME@::@NAME@, the shared library, and @NAME@::static.
# The folder may be moved: all paths begin at this file.
if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(@PROCESSORS@)$")
  set(@NAME@_FOUND FALSE)
  set(@NAME@_NOT_FOUND_MESSAGE
      "@NAME@ was compiled for @TARGET@, not for ${CMAKE_SYSTEM_PROCESSOR}")
  return()
endif()

get_filename_component(_depth_root "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
if(NOT TARGET @NAME@::@NAME@)
  add_library(@NAME@::@NAME@ SHARED IMPORTED)
  set_target_properties(@NAME@::@NAME@ PROPERTIES
    IMPORTED_LOCATION "${_depth_root}/lib/lib@NAME@.so"
    IMPORTED_SONAME "lib@NAME@.so"
    INTERFACE_INCLUDE_DIRECTORIES "${_depth_root}/include")
  add_library(@NAME@::static STATIC IMPORTED)
  set_target_properties(@NAME@::static PROPERTIES
    IMPORTED_LOCATION "${_depth_root}/lib/lib@NAME@.a"
    INTERFACE_INCLUDE_DIRECTORIES "${_depth_root}/include"
    INTERFACE_LINK_LIBRARIES "-pthread;m")
endif()
unset(_depth_root)
