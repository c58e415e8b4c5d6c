/** The text of stage.py, put there by the bundler. */
declare const stage: string
export default stage
