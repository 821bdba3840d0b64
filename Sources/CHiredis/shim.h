#ifndef TROUPE_CHIREDIS_SHIM_H
#define TROUPE_CHIREDIS_SHIM_H

#include <hiredis/hiredis.h>
#include <hiredis/read.h>

#endif
