#!/usr/bin/env node
/** The command `lockstep`. This file runs on any Node.js, so that an old one can be named as what is wrong. */
import module from 'node:module'
import { fileURLToPath } from 'node:url'
import { projectInstallation } from './installation.ts'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 22)) {
  process.stderr.write(`Error:  Lockstep needs Node.js 22.22 or newer, and this is ${process.versions.node}\n`)
  process.exit(1)
}
// Half of the time to start is compiling.
module.enableCompileCache()
const installed = projectInstallation(process.argv.slice(2), fileURLToPath(new URL('../..', import.meta.url)))
if (installed) await import(installed)
else await import('./run.ts').then(({ run }) => run(process.argv.slice(2)))
