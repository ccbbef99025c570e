// Tables that sort, images that enlarge, choices that show one part of many, and tables to save.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  function sortBy(heading, column) {
    const body = heading.closest("table").tBodies[0];
    const first = heading.dataset.first || (column ? "descending" : "ascending");
    const other = first === "ascending" ? "descending" : "ascending";
    const order = heading.getAttribute("aria-sort") === first ? other : first;
    all("th[aria-sort]", heading.parentNode).forEach((each) => each.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const value = (row) => parseFloat(row.cells[column].dataset.value);
    [...body.rows]
      .sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        // Cells without a number come last, in either order.
        return Number.isNaN(x) - Number.isNaN(y) || sign * (x - y) || 0;
      })
      .forEach((row) => body.append(row));
  }

  all(".sort").forEach((button) => {
    const heading = button.closest("th");
    button.addEventListener("click", () => sortBy(heading, Number(button.dataset.column)));
  });

  const dialog = document.getElementById("enlarged");
  all(".enlarge").forEach((button) => {
    button.addEventListener("click", () => {
      const [from, to] = [button.querySelector("img"), dialog.querySelector("img")];
      to.src = from.src;
      to.alt = from.alt;
      dialog.showModal();
    });
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

  all(".gallery").forEach((gallery) => {
    const slider = gallery.querySelector(".seed-slider");
    const seeds = all(".seed", gallery);
    const show = () => {
      const at = slider ? Number(slider.value) : 0;
      const kind = gallery.querySelector("input[type=radio]:checked").value;
      seeds.forEach((seed, i) => {
        seed.hidden = i !== at;
        all(".kind", seed).forEach((part) => (part.hidden = part.dataset.kind !== kind));
      });
      if (slider) {
        slider.nextElementSibling.value = seeds[at].dataset.seed;
        slider.setAttribute("aria-valuetext", `seed ${seeds[at].dataset.seed}`);
      }
    };
    gallery.addEventListener("input", show);
    show();
  });

  all(".choices").forEach((choices) => {
    const select = choices.querySelector(".choice");
    const parts = all(".chosen", choices);
    const show = () => parts.forEach((part, i) => (part.hidden = i !== Number(select.value)));
    select.addEventListener("input", show);
    show(); // after a reload, some browsers restore the choice
  });

  const files = JSON.parse(document.getElementById("downloads").textContent);
  all(".download").forEach((button) => {
    button.addEventListener("click", async () => {
      const bytes = Uint8Array.from(atob(files[button.dataset.name]), (c) => c.charCodeAt(0));
      const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await new Response(plain).blob());
      link.download = button.dataset.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  });
})();
