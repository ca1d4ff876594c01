/** The data folder, told to a command as to a process: by the flag, else by `DATA_DIR`. */
import { Option } from 'commander';

export const dataOption = (of = 'an embedded system'): Option =>
  new Option('--data <folder>', `data folder of ${of}`).env('DATA_DIR').default('var/data');
