import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** A temporary folder that is removed at the end of a `using` block. */
export interface Workspace extends Disposable {
  readonly path: string
}

export function temporaryFolder(): Workspace {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-')))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) }
}

/** A temporary project of ES modules in which every dependency resolves, `lockstep` (package and command) to the source of this repository. */
export function temporaryProject(): Workspace {
  const workspace = temporaryFolder()
  const modules = join(workspace.path, 'node_modules')
  linkDependencies(modules)
  symlinkSync(root, join(modules, 'lockstep'))
  const command = `#!/bin/sh\nexec '${process.execPath}' --conditions=source '${root}/src/cli/main.ts' "$@"\n`
  writeFileSync(join(modules, '.bin', 'lockstep'), command, { mode: 0o755 })
  writeFileSync(join(workspace.path, 'package.json'), JSON.stringify({ type: 'module', private: true }))
  return workspace
}

/** Makes `modules` a `node_modules` folder that holds links to the installed dependencies of this repository. */
export function linkDependencies(modules: string): void {
  const installed = join(root, 'node_modules')
  mkdirSync(join(modules, '.bin'), { recursive: true })
  for (const name of readdirSync(installed)) if (!name.startsWith('.')) symlinkSync(join(installed, name), join(modules, name))
  for (const name of readdirSync(join(installed, '.bin'))) symlinkSync(join(installed, '.bin', name), join(modules, '.bin', name))
}
