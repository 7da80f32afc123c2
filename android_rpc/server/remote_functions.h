/* What a client may call on this server besides the TVM runtime's own functions. */
#ifndef RPC_SERVER_REMOTE_FUNCTIONS_H
#define RPC_SERVER_REMOTE_FUNCTIONS_H

/* Registers them all with the runtime. 0, or -1. */
int register_remote_functions(void);

#endif
