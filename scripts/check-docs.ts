/** `npm run docs:check [PAGES]`: checks the links and examples of the documentation. CONTRIBUTING.md says how examples are marked. */
import { checkDocs } from './docs/check.ts'
import { documentationPages } from './docs/pages.ts'
import { root } from './workspace.ts'

const chosen = process.argv.slice(2)
const pages = chosen.length > 0 ? chosen : documentationPages(root)
const problems = await checkDocs(root, pages)
for (const { page, line, message } of problems) console.error(`${page}:${line}: ${message}\n`)
console.log(`${pages.length} pages, ${problems.length} problems`)
process.exitCode = problems.length > 0 ? 1 : 0
