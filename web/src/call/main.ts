import '../styles/base.css';
import { mount } from 'svelte';
import { language } from '../lib/i18n.svelte';
import { JoinLink, secretFromHash } from '../lib/join-link';
import Call from './Call.svelte';
import { CallPage } from './call-page.svelte';

language.begin();
const base = new URL('./', document.baseURI).href;
const secret = secretFromHash(location.hash);
const page =
  secret === null ? null : new CallPage(new JoinLink(secret, base, sessionStorage), base);
page?.begin();

// Another link opened in this tab changes only the fragment: begin anew with it.
addEventListener('hashchange', () => location.reload());

const target = document.getElementById('app');
if (target !== null) mount(Call, { target, props: { page, base } });
