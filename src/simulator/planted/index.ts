/** Bugs that are planted to see them caught: a checker that can't fail shows nothing. */
export { nothingPlanted, plainSetting, type Plant, type Setting, type Step } from './plant.ts';
export { PLANT_NAMES, PLANTED, type Planted, type PlantName } from './table.ts';
