import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { run } from './run.ts'
import { root, temporaryProject } from './workspace.ts'

export interface Diagnostic {
  /** Relative to the folder that was checked; empty where the compiler names no file. */
  readonly file: string
  readonly line: number
  /** `TS2345`. */
  readonly code: string
  /** The whole message, its elaborations on lines of their own. */
  readonly message: string
}

export interface Typecheck {
  readonly diagnostics: readonly Diagnostic[]
  /** How often the compiler instantiated a generic type: the cost of types, the same on every machine. */
  readonly instantiations: number
}

/** Type-checks modules, named by their paths, in a project of their own where `lockstep` is the source of this repository. */
export async function typecheck(
  modules: Readonly<Record<string, string>>,
  compilerOptions: Readonly<Record<string, unknown>> = {},
): Promise<Typecheck> {
  using project = temporaryProject()
  for (const [path, text] of Object.entries(modules)) {
    mkdirSync(dirname(join(project.path, path)), { recursive: true })
    writeFileSync(join(project.path, path), text)
  }
  return await typecheckProject(project.path, { include: Object.keys(modules), compilerOptions })
}

/** Type-checks files of a folder with the compiler options of this repository and those given. */
export async function typecheckProject(
  folder: string,
  project: { readonly include: readonly string[]; readonly compilerOptions?: Readonly<Record<string, unknown>> },
): Promise<Typecheck> {
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      include: project.include,
      exclude: [],
      compilerOptions: { moduleDetection: 'force', ...project.compilerOptions },
    }),
  )
  return await compile(folder)
}

/** Runs the compiler, without output, on the project of a folder that holds a `tsconfig.json`. One thread: the counts repeat. */
export async function compile(folder: string): Promise<Typecheck> {
  const flags = ['--noEmit', '--pretty', 'false', '--extendedDiagnostics', '--singleThreaded']
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { stdout, stderr } = await run(process.execPath, [compiler, '--project', '.', ...flags], { cwd: folder })
  const instantiations = /^Instantiations:\s+(\d+)/m.exec(stdout)?.[1]
  if (instantiations === undefined) throw new Error(`The compiler did not finish:\n${stdout}${stderr}`)
  return { diagnostics: parseDiagnostics(stdout), instantiations: Number(instantiations) }
}

/** Reads what `tsc --pretty false` prints: `file(line,column): error TS1: message`, elaborations indented below. */
export function parseDiagnostics(output: string): Diagnostic[] {
  const pattern = /^(?:(.+)\((\d+),\d+\): )?error (TS\d+): (.*(?:\n .*)*)/gm
  return Array.from(output.matchAll(pattern), ([, file = '', line = '0', code = '', message = '']) => ({
    file,
    line: Number(line),
    code,
    message,
  }))
}
