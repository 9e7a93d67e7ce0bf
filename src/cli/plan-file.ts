import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { LockstepError } from '../errors.ts'
import type { Plan } from '../governance/index.ts'

/** Throws `OUTPUT_EXISTS` where something else than a plan is there already, and `INVALID_ARGUMENT` where no folder is. */
export function refusePlanPath(path: string): void {
  const folder = dirname(resolve(path))
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new LockstepError('INVALID_ARGUMENT', `There is no folder ${folder} to write the plan in`, {
      where: path,
      remedy: 'Name a file in a folder that is there.',
    })
  if (existsSync(path) && !holdsPlan(path))
    throw new LockstepError('OUTPUT_EXISTS', 'Something is there already that is no plan', { where: path, remedy: 'Choose another name.' })
}

function holdsPlan(path: string): boolean {
  try {
    return isPlan(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return false
  }
}

const isPlan = (value: Partial<Plan> | null): value is Plan =>
  value?.format === 1 && value.items !== undefined && typeof value.base === 'number' && value.difference !== undefined

/** It may hold examples of real values, so only its owner reads it. Throws `INVALID_ARGUMENT`. */
export function writePlan(path: string, plan: Plan): void {
  try {
    writeFileSync(path, `${JSON.stringify(plan, null, 2)}\n`, { mode: 0o600 })
  } catch (cause) {
    const message = `The plan cannot be written: ${(cause as Error).message}`
    throw new LockstepError('INVALID_ARGUMENT', message, { where: path, remedy: 'Name a file that may be written.', cause })
  }
}

/** What `writePlan` has written. Throws `INVALID_ARGUMENT`. */
export function readPlan(path: string): Plan {
  const refused = (message: string, remedy: string, cause?: unknown) =>
    new LockstepError('INVALID_ARGUMENT', message, { where: path, remedy, cause })
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      throw refused('There is no such plan', 'Make one: lockstep plan --out FILE; or apply the files without one: lockstep apply.', cause)
    throw refused(`The plan cannot be read: ${(cause as Error).message}`, 'Name a file that may be read.', cause)
  }
  let plan: Partial<Plan> | null
  try {
    plan = JSON.parse(text) as Partial<Plan> | null
  } catch (cause) {
    throw refused('The plan is cut off, or was changed: it is no JSON', 'Make it again: lockstep plan --out FILE.', cause)
  }
  if (isPlan(plan)) return plan
  throw refused('The file is no plan', 'Make one: lockstep plan --out FILE.')
}
