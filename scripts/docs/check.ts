import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { type Finished, run } from '../run.ts'
import { typecheckProject } from '../typecheck.ts'
import { root as repository, temporaryProject } from '../workspace.ts'
import { type Block, blocksOf, type Command, type Module, pageLine, printedByPart, withoutMarks } from './blocks.ts'
import { checkLinks } from './links.ts'
import { parsePage } from './markdown.ts'
import { printedAsExpected } from './output.ts'
import type { Problem } from './problem.ts'

interface PageWork {
  readonly path: string
  readonly folder: string
  readonly blocks: readonly Block[]
}

/** Checks pages of a project: their links, the types of their code, and what it does and prints when it is run. */
export async function checkDocs(root: string, paths: readonly string[]): Promise<Problem[]> {
  using project = temporaryProject()
  const problems: Problem[] = []
  const pages = paths.map((path): PageWork => {
    const page = parsePage(readFileSync(join(root, path), 'utf8'))
    const { blocks, problems: misunderstood } = blocksOf(path, page)
    problems.push(...misunderstood, ...checkLinks(root, path, page))
    return { path, folder: join(project.path, 'pages', path), blocks }
  })
  for (const { folder, blocks } of pages)
    for (const block of blocks) if (block.block !== 'command') writeUnder(folder, block.file, block.text)
  const mistyped = await checkTypes(project.path, pages)
  problems.push(...mistyped)
  const sound = pages.filter(({ path }) => !mistyped.some(({ page }) => page === path))
  await eachOf(sound, availableParallelism(), async (page) => {
    for (const block of page.blocks) {
      if (block.block === 'module' && block.run) problems.push(...(await runModule(page, block, project.path)))
      if (block.block === 'command') problems.push(...(await runCommand(page, block, project.path)))
    }
  })
  return problems.sort((a, b) => paths.indexOf(a.page) - paths.indexOf(b.page) || a.line - b.line)
}

async function checkTypes(project: string, pages: readonly PageWork[]): Promise<Problem[]> {
  const modules = new Map<string, { path: string; module: Module }>()
  for (const { path, blocks } of pages) {
    for (const block of blocks) if (block.block === 'module') modules.set(`pages/${path}/${block.file}`, { path, module: block })
  }
  if (modules.size === 0) return []
  const relaxed = { noUnusedLocals: false, noUnusedParameters: false }
  const { diagnostics } = await typecheckProject(project, { include: [...modules.keys()], compilerOptions: relaxed })
  return diagnostics.flatMap(({ file, line, message }) => {
    const found = modules.get(file)
    return found ? [{ page: found.path, line: pageLine(found.module, line), message }] : []
  })
}

async function runModule({ path, folder }: PageWork, module: Module, project: string): Promise<Problem[]> {
  const finished = await run(process.execPath, [module.file], { cwd: folder, environment: environment(project), timeoutSeconds: 120 })
  const printed = printedByPart(module, finished.stdout)
  if (finished.code !== 0) {
    const failed = module.parts[printed.length - 1]
    return [{ page: path, line: failed?.fence.line ?? 1, message: failure('This code', finished) }]
  }
  return module.parts.flatMap(({ fence, expected }, index) => differences(path, fence.line, expected, printed[index] ?? ''))
}

async function runCommand({ path, folder }: PageWork, command: Command, project: string): Promise<Problem[]> {
  const cwd = command.inRepository ? repositoryCopy(folder) : folder
  mkdirSync(cwd, { recursive: true })
  const finished = await run('bash', ['-euo', 'pipefail', '-c', command.fence.text], { cwd, environment: environment(project) })
  if (finished.code !== 0) return [{ page: path, line: command.fence.line, message: failure('This command', finished) }]
  return differences(path, command.fence.line, command.expected, finished.stdout)
}

function environment(project: string): Record<string, string> {
  const path = [join(project, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
  return { PATH: path, NODE_OPTIONS: '--conditions=source' }
}

function failure(what: string, { code, stdout, stderr }: Finished): string {
  const last = `${withoutMarks(stdout)}${stderr}`.trimEnd().split('\n').slice(-20).join('\n')
  return `${what} ${code === null ? 'ran out of time' : `ended with code ${code}`}:\n${last}`
}

function differences(page: string, line: number, expected: string | undefined, printed: string): Problem[] {
  if (expected === undefined || printedAsExpected(expected, printed)) return []
  return [{ page, line, message: `The page says that this prints\n${expected}\nbut it printed\n${printed.trimEnd()}` }]
}

/** A copy of the repository beside the folder of a page, with the installed dependencies; made once. */
function repositoryCopy(folder: string): string {
  const copy = `${folder}.repository`
  const left = new Set(['node_modules', 'dist', '.git', '.lockstep'])
  cpSync(repository, copy, { recursive: true, force: false, filter: (source) => !left.has(basename(source)) })
  mkdirSync(copy, { recursive: true })
  try {
    symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return copy
}

function writeUnder(folder: string, file: string, text: string): void {
  const path = join(folder, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

async function eachOf<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of queue) await work(item)
    }),
  )
}
