/** The text of checklist.css, put there by the bundler. */
declare const style: string
export default style
