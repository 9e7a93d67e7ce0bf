import { registerHooks } from 'node:module'

let isOffered = false

/** From now on modules that import `lockstep` where none is installed get this one, as a project that `lockstep init` has just written. */
export function offerOwnPackage(): void {
  if (isOffered) return
  isOffered = true
  registerHooks({
    resolve(specifier, context, nextResolve) {
      if (!/^lockstep(\/|$)/.test(specifier)) return nextResolve(specifier, context)
      try {
        return nextResolve(specifier, context)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
        return nextResolve(specifier, { ...context, parentURL: import.meta.url })
      }
    },
  })
}
