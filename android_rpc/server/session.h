/*
 * One client's session: a child process that loads the TVM runtime and runs
 * its server loop, and the parent that watches over it. A session starts with
 * a fresh runtime and thread pool, and nothing of it outlives the child.
 */
#ifndef RPC_SERVER_SESSION_H
#define RPC_SERVER_SESSION_H

#include "options.h"

/*
 * Serves the client on `fd` until it leaves, dies, or has had its `limit_s`
 * seconds (0: no limit), and removes everything that the session made.
 */
void serve_session(int fd, double limit_s, const struct options *options);

#endif
