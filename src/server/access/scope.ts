import { LockstepError } from '../../errors.ts'

/** What a caller wants to do: read a view, push events to a source, write a group's values, deprecate or remove what it holds, administer. */
export type Operation = 'read' | 'push' | 'write' | 'own' | 'admin'

/** What is named after each operation, as messages and the command line say it. */
const named = { read: 'VIEW', push: 'SOURCE', write: 'GROUP', own: 'GROUP or own:view:VIEW' } as const

const scopeForm = /^(?:(read|push|write|own):(\*|[A-Za-z][\w-]*)|own:view:[A-Za-z][\w-]*|admin)$/

/** `read:ranking`, `push:*`, `admin`. Throws `INVALID_ARGUMENT` where a text is no scope. */
export function checkScope(text: string): string {
  if (scopeForm.test(text)) return text
  const forms = Object.entries(named).map(([operation, what]) => `${operation}:${what}`)
  throw new LockstepError('INVALID_ARGUMENT', `${JSON.stringify(text)} is not a scope`, {
    remedy: `Write ${forms.join(', ')}, with * for all, or admin.`,
  })
}

/** Whether scopes allow an operation on what is named, or on anything at all where nothing is. Each allows what it says and nothing else: `admin` reads no view. */
export function scopesAllow(scopes: readonly string[], operation: Operation, name?: string): boolean {
  if (operation === 'admin') return scopes.includes('admin')
  if (name === undefined) return scopes.some((scope) => scope.startsWith(`${operation}:`))
  return scopes.includes(`${operation}:*`) || scopes.includes(`${operation}:${name}`)
}

/** How scopes name what a role would be on: groups and on-demand views without their kind, as paths of features do. */
export const nameInScope = (on: string): string => on.replace(/^(?:group|onDemand):/, '')
