import { render } from 'preact';
import { Page } from './model/page.js';
import { readPreferences } from './model/prefs.js';
import './styles/app.css';
import { App } from './view/app.js';

const root = document.getElementById('page');
if (!root) throw new Error('the document has no place for the page');
const page = new Page();
render(<App page={page} preferences={readPreferences()} />, root);
page.start();
