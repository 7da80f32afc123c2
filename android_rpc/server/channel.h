/* A client's session as the TVM runtime sees it: bytes in, bytes out. */
#ifndef RPC_SERVER_CHANNEL_H
#define RPC_SERVER_CHANNEL_H

/*
 * Serves the non-blocking `fd` with the loaded runtime until the client leaves
 * or is dropped (requests.h), after `idle_limit_s` seconds without a request.
 * 0, or -1: an error is raised.
 */
int serve_channel(int fd, double idle_limit_s);

#endif
