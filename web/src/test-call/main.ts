import '../styles/base.css';
import { mount } from 'svelte';
import { language } from '../lib/i18n.svelte';
import TestCall from './TestCall.svelte';

language.begin();
const target = document.getElementById('app');
if (target !== null)
  mount(TestCall, { target, props: { base: new URL('./', document.baseURI).href } });
