/* What this server is, for its clients. */
#ifndef RPC_SERVER_IDENTITY_H
#define RPC_SERVER_IDENTITY_H

/* Registers depthbench.identity, which returns lines of "NAME=VALUE": platform, signs, cores, midr,
   counter_hz and build, as docs/devices.md describes them. 0, or -1. */
int register_identity(void);

#endif
