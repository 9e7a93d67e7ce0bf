export {
  type CompareOptions,
  type Comparison,
  compareAnswers,
  compareGroups,
  compareViews,
  type DifferentValue,
  type FeatureComparison,
  type Question,
  sampleQuestions,
} from './compare-versions.ts'
