/** @type {import('jest').Config} */
export default {
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  testEnvironment: '<rootDir>/test/support/stack-environment.mjs',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
      },
    ],
  },
  moduleNameMapper: {
    '^nestjs-redflow$': '<rootDir>/lib/index.ts',
    '^nestjs-redflow/engine$': '<rootDir>/lib/engine/index.ts',
    '^nestjs-redflow/testing$': '<rootDir>/lib/testing/index.ts',
    '^nestjs-redflow/eslint$': '<rootDir>/lib/eslint/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  // Built copies of the library and the samples carry the same package names.
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/sample/[^/]+/dist/'],
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  setupFilesAfterEnv: ['<rootDir>/test/support/leaks.ts'],
  reporters: ['default', '<rootDir>/test/support/summary-reporter.mjs'],
  // One more than cores: many specs wait for clocks and processes, not for a processor.
  maxWorkers: 3,
  // Compiled ES modules are never freed on Node 20: a worker that grew is replaced between two files.
  workerIdleMemoryLimit: '512MB',
  testTimeout: 120_000,
};
