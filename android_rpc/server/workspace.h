/*
 * The folder that clients may touch: a root, and in it one folder a session,
 * removed when the session ends.
 */
#ifndef RPC_SERVER_WORKSPACE_H
#define RPC_SERVER_WORKSPACE_H

#include <limits.h>

/* Makes the root and removes what dead servers left in it. 0, or -1 (errno). */
int workspace_open(const char *root);

/* Removes the root, unless something still lies in it. */
void workspace_close(void);

int workspace_begin_session(void);
void workspace_end_session(void);

enum workspace_part { SESSION_FOLDER, WHOLE_WORKSPACE };

/*
 * The real path that a client's `name`, relative to the session's folder or
 * absolute, stands for; links are followed first, and the last component need
 * not exist. 0, or -1 when that is not in the given part of the workspace.
 */
int workspace_path(const char *name, enum workspace_part part, char path[PATH_MAX]);

#endif
