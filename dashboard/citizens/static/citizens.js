// "Nearest to me": asks the phone once and lets the server sort. Without it the page works by day.
const button = document.getElementById("near");

if (button && "geolocation" in navigator && window.isSecureContext) {
  button.hidden = false;
  button.addEventListener("click", () => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const address = new URL(location.href);
        // Two decimals are a kilometre: enough to sort by, too little to find a home.
        address.searchParams.set("lat", coords.latitude.toFixed(2));
        address.searchParams.set("lon", coords.longitude.toFixed(2));
        location.assign(address);
      },
      () => {
        const note = document.getElementById("near-note");
        if (note) note.textContent = button.dataset.failed ?? "";
      },
      { timeout: 10000, maximumAge: 600000 },
    );
  });
}
