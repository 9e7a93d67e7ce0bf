import { randomUUID } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

const machine = hostname().replaceAll(/\W/g, '')

/** A new name for a temporary file or folder, which says to which process of which machine it belongs. */
export const temporaryName = (prefix: string): string => `${prefix}${machine}-${process.pid}-${randomUUID()}`

/** Whether such a name belongs to a process of this machine that does not run any more. */
export function isAbandoned(name: string, prefix: string): boolean {
  if (!name.startsWith(`${prefix}${machine}-`)) return false
  const [, pid] = /^(\d+)-/.exec(name.slice(prefix.length + machine.length + 1)) ?? []
  return pid !== undefined && !isRunning(Number(pid))
}

/** Removes from a folder what goes by such names and belongs to processes of this machine that were killed. What cannot be removed stays. */
export async function clearAbandoned(folder: string, prefix: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  const abandoned = names.filter((name) => isAbandoned(name, prefix))
  await Promise.allSettled(abandoned.map((name) => rm(join(folder, name), { recursive: true, force: true })))
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
