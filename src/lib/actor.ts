import { userInfo } from 'node:os'

export interface ActorOptions {
  /** `--as NAME` */
  readonly as?: string
}

/** Who is acting, by their own word: `--as`, or `LOCKSTEP_USER`, or who is logged in to this machine. */
export function actorOf({ as }: ActorOptions): string {
  return as ?? process.env.LOCKSTEP_USER ?? loggedIn()
}

/** The user of this machine, as it was let in. */
export function loggedIn(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under a user that has no name.
    return `uid-${process.getuid?.() ?? 0}`
  }
}
