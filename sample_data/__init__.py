"""An invented pig-butchering case and its answer: read README.md beside this file. Nothing in it is real."""
