import { readFileSync } from 'node:fs'

/** How often memory is looked at, in milliseconds. */
const interval = 50

/**
 * Watches the largest resident memory of this process and of those it starts together, in MB; call the result to read it.
 * Where the system has no `/proc` it is that of this process alone. What the system reports at the end of a process will not do:
 * it counts what the process that started it held.
 */
export function watchMemory(): () => number {
  let together = 0
  const look = () => {
    together = Math.max(
      together,
      [process.pid, ...childProcesses()].reduce((sum, pid) => sum + (kilobytes(pid, 'VmRSS') ?? 0), 0),
    )
  }
  setInterval(look, interval).unref()
  return () => {
    look()
    return Math.max(together, kilobytes(process.pid, 'VmHWM') ?? process.resourceUsage().maxRSS) / 1024
  }
}

function childProcesses(): number[] {
  return (read(`/proc/self/task/${process.pid}/children`) ?? '').split(' ').filter(Boolean).map(Number)
}

function kilobytes(pid: number, field: 'VmRSS' | 'VmHWM'): number | null {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(read(`/proc/${pid}/status`) ?? '')
  return found ? Number(found[1]) : null
}

/** Null where there is no such file, or the process has just ended. */
function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
