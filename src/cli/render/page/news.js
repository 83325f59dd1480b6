// Where vmesh serves the page, it is loaded again once something has moved; the address keeps what is looked at.
if (location.protocol === "http:") {
  new EventSource(`/news${location.search}`).onmessage = () => location.reload();
}
