#ifndef TROUPE_CHIREDIS_SHIM_H
#define TROUPE_CHIREDIS_SHIM_H

// Said here, because the build's own message for a header that is not there names no remedy.
#if !__has_include(<hiredis/hiredis.h>)
#error "hiredis is not installed: apt-get install libhiredis-dev, or brew install hiredis pkg-config"
#endif
#include <hiredis/hiredis.h>
#include <hiredis/read.h>

#endif
